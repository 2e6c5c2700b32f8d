"""STS-B: how alike two sentences are, learned by a bi-encoder with each loss.

`pairs` reads the data, `encoder` the pre-trained encoder, `states` keeps what its lower layers make
of the sentences, `training` fine-tunes the upper ones, `study` and `frozen` are the two studies.
"""
