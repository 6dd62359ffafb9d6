{{ unioned('quotas') }}
