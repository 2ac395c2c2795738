from .numbers import VERSION  # noqa
