"""From a spec to the wanted resources. Pure: no call, no clock, no chance."""
