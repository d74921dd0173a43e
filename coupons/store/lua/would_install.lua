-- The end of `install_check.lua` in a dry run: the outcome alone.
-- KEYS   as in install_check.lua
-- ARGV   as in install.lua
-- RETURN {outcome, places given so far}, as install.lua would
return {outcome(), given}
