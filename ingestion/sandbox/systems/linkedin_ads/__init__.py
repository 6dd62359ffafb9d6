"""LinkedIn Ads as the world's: the Marketing API's accounts, campaigns, creatives and reports."""
