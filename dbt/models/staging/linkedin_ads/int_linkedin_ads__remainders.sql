{{ config(materialized="table") }} {{ ads_remainders("linkedin_ads") }}
