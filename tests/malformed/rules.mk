# tests/malformed: the zoo of malformed files, and the runner that takes each to tvmm.
#
#   build/tests/malformed/zoo FOLDER                            to look at the files
#   build/tests/malformed/runner ZOO TVMM [PREFIX]              to try some of them: PREFIX is "B12"

ZOO := $(B)/tests/malformed/zoo
ZOO_RUNNER := $(B)/tests/malformed/runner
ZOO_OBJECTS := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/malformed/zoo*.c))
ZOO_RUNNER_OBJECTS := $(patsubst %,$(B)/obj/tests/malformed/%.o,runner witness)
IN_ZOO = malformed/zoo="$(ZOO_RUNNER) $(ZOO) $(B)/tvmm"

.SECONDARY: $(ZOO_OBJECTS) $(ZOO_RUNNER_OBJECTS)

$(ZOO): $(ZOO_OBJECTS) $(patsubst %,$(B)/obj/tests/common/%.o,image payload) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(TVMM_CFLAGS) $(CFLAGS) -o $@ $^ $(TVMM_LDLIBS)

$(ZOO_RUNNER): $(ZOO_RUNNER_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(TVMM_CFLAGS) $(CFLAGS) -o $@ $^ $(TVMM_LDLIBS)

-include $(ZOO_OBJECTS:.o=.d) $(ZOO_RUNNER_OBJECTS:.o=.d)
