"""Programs and servers on this machine: how they are started, watched and stopped."""
