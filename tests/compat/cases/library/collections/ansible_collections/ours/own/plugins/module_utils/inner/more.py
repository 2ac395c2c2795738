MORE = 'more'
