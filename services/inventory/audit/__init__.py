"""The proof: the identities of the ledger, checked on the stored rows."""
