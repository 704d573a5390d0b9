"""Channels: what customers of each cost and are worth."""

from customer_value.channels.economics import (
    ChannelShift,
    ChannelWeights,
    channel_economics,
    channel_shift,
)

__all__ = ["ChannelShift", "ChannelWeights", "channel_economics", "channel_shift"]
