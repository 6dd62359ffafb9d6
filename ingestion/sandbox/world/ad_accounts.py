"""The accounts that the simulated company has at advertising platforms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AdAccount:
    """An account at an advertising platform: its days are those of its zone, its money its own."""

    platform: str
    id: str
    name: str
    currency: str
    timezone: str
    manager: str | None = None
    """Id of the account that manages it, which itself advertises nothing."""


GOOGLE_MANAGER = "7300000000"
AD_ACCOUNTS = (
    AdAccount("google_ads", "7301000001", "Main", "USD", "UTC", GOOGLE_MANAGER),
    AdAccount(
        "google_ads", "7301000002", "West Coast", "EUR", "America/Los_Angeles", GOOGLE_MANAGER
    ),
    AdAccount("linkedin_ads", "508000001", "Company Page", "USD", "UTC"),
    AdAccount("meta_ads", "2301000001", "Global", "USD", "UTC"),
    AdAccount("meta_ads", "2301000002", "Europe", "EUR", "Europe/Berlin"),
)
AD_ACCOUNT_IDS = tuple(account.id for account in AD_ACCOUNTS)
