{{ ads_spend_daily("linkedin_ads") }}
