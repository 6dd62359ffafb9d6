{{ closed_deal_members("no_decision") }}
