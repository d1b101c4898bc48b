"""The fault harness: the whole platform on real servers under load, faults by a seeded schedule, and what must hold seen from outside.

`python -m tests.faults` runs a campaign. `world` is the platform with its wires and replicas, `load` what people and agencies do
meanwhile, `nemesis` the faults, `checks` the invariants, `campaign` the order of things.
"""
