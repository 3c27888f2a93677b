"""Customer view 客户视图: one person with traits, identifiers, segments and timeline."""
