"""Who there is: hosts, groups, their variables, and the patterns that choose among them."""
