{{ ads_spend_daily("meta_ads") }}
