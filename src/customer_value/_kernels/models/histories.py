"""What all purchase models know of their customers."""

from __future__ import annotations

from typing import NamedTuple

from customer_value._kernels.run.parallel import FloatArray, read_only


class Histories(NamedTuple):
    """Purchase histories, one row a customer.

    Attributes:
        x: Repeat purchases, whole numbers from 0 on.
        t_x: Age at the last purchase, from 0 to T; 0 where x is 0.
        T: Age at the end of observation, in the unit of the model's parameters as t_x.
    """

    x: FloatArray
    t_x: FloatArray
    T: FloatArray

    @property
    def size(self) -> int:
        """Number of customers."""
        return self.x.size

    def over(self, unit: float) -> Histories:
        """The same histories with their ages in another unit, given as a length in that of now."""
        return Histories(self.x, self.t_x / unit, self.T / unit)

    def read_only(self) -> Histories:
        """The same histories as a kernel takes them."""
        return Histories(*read_only(*self))
