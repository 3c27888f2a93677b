"""What journeys do: questions to other services, messages to customers, the ledger of both."""
