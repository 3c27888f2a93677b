"""The copy of segment memberships that eligibility is decided on."""
