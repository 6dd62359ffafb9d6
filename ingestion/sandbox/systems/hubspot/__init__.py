"""HubSpot's CRM API over a world."""
