"""What features tell people of an address, on the first screen and with `-v`."""

from __future__ import annotations

from tlsresume import features
from tlsresume.formats.page import Page
from tlsresume.results.measured import AddressResult


def put_features(page: Page, address: AddressResult) -> None:
    """The paragraphs of each feature that has anything to say of an address."""
    for home in features.ADDRESS_TEXTS:
        features.load(home)(page, address)
