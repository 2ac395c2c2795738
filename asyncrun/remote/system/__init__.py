"""Users, services, timetables and connections of a target: what modules about a system share."""
