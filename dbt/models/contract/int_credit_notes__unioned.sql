{{ unioned("credit_notes") }}
