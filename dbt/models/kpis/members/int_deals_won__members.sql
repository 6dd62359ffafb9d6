{{ closed_deal_members("won") }}
