"""What all tests share."""

import gc


def pytest_collection_finish() -> None:
    """Tell the garbage collector that the thousands of tests are here to stay: it would look at
    each, each time.
    """
    gc.collect()
    gc.freeze()
