DROP INDEX idx_conversations_archived;
ALTER TABLE conversations DROP COLUMN archived_at;
