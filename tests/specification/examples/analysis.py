from analyses.ssd_analyses import SSDAnalysis

ssd_analysis = SSDAnalysis(
  filepath="../../data/20220829/-20220829-144945-Slot1-In1.csv", 
  image_src="../../plots/",
  image_extension=".png"
)
ssd_analysis.run()
