# The tests. Each folder of tests/ keeps one promise; `make check` runs all of them.

CHECK_CFLAGS = $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check)
TEST_COMMON := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/common/*.c))
UNIT_TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c tests/malformed/test_*.c))

$(B)/tests/%: tests/%.c $(TEST_COMMON) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) $(TVMM_CFLAGS) $(CHECK_CFLAGS) $(CFLAGS) -MMD -MP \
		-o $@ $< $(TEST_COMMON) $(LIBRARY) $(CHECK_LIBS) $(TVMM_LDLIBS)

-include $(UNIT_TESTS:=.d) $(TEST_COMMON:.o=.d)
