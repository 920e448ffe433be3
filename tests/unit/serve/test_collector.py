"""The garbage collector waits while something is made that stays."""

import gc

import pytest

from meshctl.serve.collector import Collector


def test_collector_waits_until_the_last_of_those_that_overlap_is_done() -> None:
    collector = Collector()
    with collector.waits():
        with collector.waits():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_goes_on_after_what_failed() -> None:
    collector = Collector()
    with pytest.raises(ZeroDivisionError), collector.waits():
        _ = 1 // 0
    assert gc.isenabled()
