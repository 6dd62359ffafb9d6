"""Google Ads as the world's paid search: the API's reports, its accounts and its tokens."""
