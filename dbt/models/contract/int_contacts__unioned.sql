{{ unioned("contacts") }}
