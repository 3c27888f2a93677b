"""How often somebody may call: rate limits in memory or shared through Redis."""
