//! Type A line ends. (being written)
