{{ closed_deal_members("lost") }}
