-- The reader under sensorhost.tail, and what the system says about files:
-- declared for FFI once, for the specs of both.

local cdef = require("spec.support.cdef")

cdef([[
struct reader_mark { uint64_t inode; int64_t born; int64_t since;
    int64_t offset; unsigned head_len; unsigned before_len; char head[33];
    char before[33]; };
struct file_facts { uint64_t inode; int64_t born; int64_t modified;
    int64_t size; uint32_t links; bool regular; bool folder; };
struct reader { int fd; uint64_t inode; int64_t born; int64_t since;
    int encoding; size_t line_max; struct buf block; int64_t base;
    size_t at; size_t scanned; size_t want; int64_t given; int64_t done;
    bool skipping; struct buf cut; struct buf text;
    unsigned head_len; unsigned before_len; uint8_t head[1024];
    uint8_t before[64]; };
int reader_open(struct reader *r, const char *path, int64_t offset);
void reader_release(struct reader *r);
int reader_fill(struct reader *r);
bool reader_next(struct reader *r, const char **text, size_t *len, bool *cut);
bool reader_rest(struct reader *r, const char **text, size_t *len, bool *cut);
void reader_done(struct reader *r);
bool reader_blank(const struct reader *r);
bool reader_headed(const struct reader *r);
int reader_same(struct reader *r);
void reader_rewind(struct reader *r);
bool reader_covers(const struct reader *r, const struct reader *other);
bool reader_past(const struct reader *r, const struct reader *copy);
void reader_mark(const struct reader *r, bool seen, struct reader_mark *m);
bool reader_resume(struct reader *r, const struct reader_mark *m,
    bool crashed);
int file_facts_fd(int fd, struct file_facts *f);
int file_facts_at(int dirfd, const char *path, struct file_facts *f);
]])

return require("spec.support.lib")
