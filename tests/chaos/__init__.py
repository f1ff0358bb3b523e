"""Everything killed, frozen and cut off while it works, and an audit of what became of it.

`python -m tests.chaos --minutes 10 --seed 1` runs it; `test_chaos.py` is its short form. `control.py` puts a plain
rq-scheduler in our place, to show that the audit sees what it should. `measure.py` prints how long recoveries take.
"""
