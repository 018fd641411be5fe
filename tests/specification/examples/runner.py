
from analyses.runner import Runner
from analyses.ssd_analyses import SSDAnalysis
from analyses.pmt_analyses import PMTAnalysis

runner = Runner(analyses=[
  SSDAnalysis(filepath="../../data/20220829/-20220829-144945-Slot1-In1.csv",
              image_src="../../plots/mock"),
  PMTAnalysis(filepath="../../data/sample/all_data.csv",
              image_src="../../plots/mock")
])

# Run analyses each minute for three hours 
runner.run(cycles=3*60, period_s=60)
