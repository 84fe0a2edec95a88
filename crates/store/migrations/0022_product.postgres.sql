-- Pages of the company's product to which people are led, by name, as JSON; and words for the messages that the company sends itself.
ALTER TABLE environment ADD COLUMN product_pages TEXT COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE environment ADD COLUMN mails_off TEXT COLLATE "C" NOT NULL DEFAULT '';
