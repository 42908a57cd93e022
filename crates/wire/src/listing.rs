//! Listings. (being written)
