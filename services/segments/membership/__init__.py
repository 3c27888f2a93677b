"""Membership 人群成员: who belongs to which segment, at every instant."""
