{{ config(materialized="table") }} {{ ads_remainders("google_ads") }}
