{{ ads_campaigns("google_ads") }}
