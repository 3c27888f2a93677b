"""`quanyu tour`: the main story, played against a running suite through its public API and nothing else.

`story` is what happens, `stage` how it is told and checked, `receiver` the partner's webhook endpoint, `tracking` the
shopper's app. The scenario tests play the same story with a real Segment SDK, and kill processes between its scenes.
"""
