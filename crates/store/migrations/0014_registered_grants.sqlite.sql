-- What a client that nobody registered by hand has said it will do at the token endpoint, in words; NULL where it came before
-- that was remembered.
ALTER TABLE self_registration ADD COLUMN grant_types TEXT;
