"""The rule language 人群规则: parsing a rule tree, measuring events, deciding when time alone changes an answer."""
