{{ ads_campaigns("meta_ads") }}
