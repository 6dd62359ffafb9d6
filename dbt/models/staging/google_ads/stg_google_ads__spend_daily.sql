{{ ads_spend_daily("google_ads") }}
