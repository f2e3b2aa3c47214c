-- When a conversation was archived, not only that it was. The flag stays: programs of the last release read it.
ALTER TABLE conversations ADD COLUMN archived_at TEXT;
UPDATE conversations SET archived_at = updated_at WHERE is_archived = 1;
CREATE INDEX idx_conversations_archived ON conversations(archived_at) WHERE archived_at IS NOT NULL;
