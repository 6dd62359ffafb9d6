{{ ads_campaigns("linkedin_ads") }}
