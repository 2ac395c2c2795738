def greet(name):
    return 'hello from the %s' % name
