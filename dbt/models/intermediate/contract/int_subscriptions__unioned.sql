{{ unioned("subscriptions") }}
