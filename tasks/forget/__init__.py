"""A part or a customer taken out of everything that we keep, looked for again on the raw storage, with a receipt.

    what is to go, and what gives it away (`traces`) -> tables written anew without it (`tables`), switched to in one
    commit -> what lies beside them (`around`) -> old versions cleaned up -> every object looked through (`look`)
    -> a receipt that says what was found: nothing (`receipts`)

Each step may be stopped and done again. Nothing says "done" before the raw storage was looked through.
"""
