{{ config(materialized="table") }} {{ ads_remainders("meta_ads") }}
